"""Every algorithm both ways with other people's implementations: see __main__.py."""
