"""Ready-made reverse proxies in front of a SuperLink, which asks nobody for a login: nginx and Caddy."""
