"""Site's defaults and vars for every workflow, read from a copy of its settings, for authors elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from salt_o2.cli.ui.input_files import text_of

SiteFile = Annotated[
    Path | None,
    typer.Option(
        "--site",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="YAML file with the site's settings, as below o2: in pillar.",
    ),
]


def site_variables(file: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the defaults and the vars that the site of ``file`` gives to every workflow.

    Raises:
        InvalidRequestError: if ``file`` does not hold the settings of a site.
    """
    if file is None:
        return {}, {}
    import yaml

    from salt_o2.core.errors import InvalidRequestError
    from salt_o2.site.builtin_variables import built_in
    from salt_o2.site.settings import read_site

    try:
        found = yaml.safe_load(text_of(file))
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidRequestError(f"{file}: {error}") from error
    settings = found.get("o2", found) if isinstance(found, dict) else found
    if not isinstance(settings, dict):
        raise InvalidRequestError(
            f"{file} must hold the settings of a site, as they are below o2: in its pillar"
        )
    site, faults = read_site(settings)
    if faults:
        raise InvalidRequestError(f"{file}: {'; '.join(faults)}")
    return {**built_in(site.configuration), **site.defaults}, site.vars
