"""An example site in pillar."""
