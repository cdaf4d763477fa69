"""The settings of a site as users see them, without passwords."""

from typing import Any

from salt_o2.control.storage.database import shown_url
from salt_o2.core.codec import plain
from salt_o2.core.url_masking import without_passwords
from salt_o2.site.settings import Site


def settings_view(site: Site) -> dict[str, Any]:
    """Return the settings of ``site`` as plain data, with ``***`` for each password of a URL."""
    return {**without_passwords(plain(site)), "database": shown_url(site.database)}
