"""Variables of roles, and what a site offers to templates."""
