"""The configuration of a site: settings, checks, configuration of components, resources."""
