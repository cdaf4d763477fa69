"""Variables of roles, and the services of a site for templates."""
