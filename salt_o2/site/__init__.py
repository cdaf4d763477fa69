"""What a site configures: settings, checks, configuration, resources."""
