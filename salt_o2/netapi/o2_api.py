"""
Network API of Salt O²: HTTP requests to control, and events of the site. ``salt-api`` runs it in a process of
its own.

.. code-block:: yaml

    o2:
      api:
        address: 127.0.0.1
        port: 8643
        certificate: /etc/salt/pki/api/api.crt    # required on other than loopback addresses
        key: /etc/salt/pki/api/api.key

Users sign in with ``external_auth`` of the master. Their permissions decide their role.
"""

import logging
import pathlib

from salt_o2 import where
from salt_o2.api import application
from salt_o2.api.access import salt_sign_in, settings
from salt_o2.core import errors

log = logging.getLogger(__name__)

__virtualname__ = "o2_api"


def __virtual__():
    if "api" not in (__opts__.get("o2") or {}):
        return False, "o2:api is not in the master's configuration"
    return __virtualname__


def start():
    """
    Serve HTTP requests until the process is stopped.
    """
    try:
        wanted = settings.api_settings(__opts__["o2"]["api"] or {})
    except errors.InvalidRequestError as error:
        log.error("the HTTP interface is not started: %s", error)
        raise SystemExit(1) from None
    authenticator = salt_sign_in.salt_authenticator(__opts__) if __opts__.get("external_auth") else None
    state = where.state_directory(__opts__, "api")
    application.run(
        wanted, pathlib.Path(__opts__["sock_dir"]), state, authenticator, application.eauth_of(__opts__)
    )
