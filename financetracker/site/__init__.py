"""The parts every page shares: the admin site, middleware, theme, health and login pages."""
