"""From sites to configuration files: pure."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from server.proxy.sites import Sites

_TEMPLATES = Environment(
    loader=PackageLoader("server.proxy"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  no pages: sites hold nothing that means something in a configuration
)


def render_nginx(site: Sites) -> str:
    """A whole configuration for ``nginx -c``.

    Guarantees:
        * Without a certificate of the authority no path is reached; with a revoked or expired one neither.
        * A bureau's reaches ``/v1/fleet/`` alone; an operator's, from the operator's hosts, ``/health``, and where
          the sites say so ``/v1/control/``; nobody reaches anything else, however it is spelled.
        * One name has one share of requests and connections, and requests have a largest size.
        * The SuperLink's certificate is verified, and it learns nothing of the client's.
    """
    return _TEMPLATES.get_template("nginx.conf.j2").render(site=site)


def render_caddy(site: Sites) -> str:
    """A whole Caddyfile; the guarantees of ``render_nginx`` but for the shares.

    Guarantees:
        * Only certificates that are listed in it are taken: a revoked one is not once Caddy was restarted with a list
          without it.
    """
    return _TEMPLATES.get_template("Caddyfile.j2").render(site=site)
