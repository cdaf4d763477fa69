"""No view of the settings shows a password, in whichever field, form and type a site wrote it."""

import asyncio
import json
from dataclasses import replace

import pytest

from salt_o2.control.storage.database import open_database
from salt_o2.control.views.settings_view import settings_view
from salt_o2.core.errors import StorageError
from salt_o2.site.configuration.backend_factory import open_backend
from salt_o2.site.resources import MasterContext, with_a_backend
from salt_o2.site.settings import Site, read_site
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

SECRET = "hunter2"
DATABASES = {
    "password": f"postgresql://o2:{SECRET}@db/o2",
    "password with a slash": f"postgresql://o2:{SECRET}/x@db/o2",
    "password with a colon": f"postgresql://o2:x:{SECRET}@db/o2",
    "password with a space": f"postgresql://o2:{SECRET} x@db/o2",
    "password, no user": f"postgresql://:{SECRET}@db/o2",
    "password with a driver": f"postgresql+psycopg://o2:{SECRET}@db:5432/o2?connect_timeout=3",
    "query": f"postgresql://db/o2?user=o2&password={SECRET}",
    "query of a key": f"postgresql://o2@db/o2?sslkey=a&sslpassword={SECRET}",
    "query of ODBC": f"mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Do2%3BPWD%3D{SECRET}",
    "no URL": f"o2:{SECRET}@db/o2",
    "one slash": f"postgresql:/o2:{SECRET}@db/o2",
    "a port that is none": f"postgresql://o2:{SECRET}@db:x/o2",
}
LINES = {
    "consul": f"consul://o2:{SECRET}@127.0.0.1:8500",
    "etcd over TLS": f"etcd+https://o2:{SECRET}@127.0.0.1:2379",
    "etcd with a token": f"etcd://127.0.0.1:2379?token={SECRET}",
    "another scheme": f"zookeeper://o2:{SECRET}@127.0.0.1",
}
REPOSITORIES = {
    "password": f"https://o2:{SECRET}@git/x.git",
    "token alone": f"https://{SECRET}@git/x.git",
    "token before a word": f"https://{SECRET}:x-oauth-basic@git/x.git",
    "token in the query": f"https://git/x.git?access_token={SECRET}",
}
FIELDS = ("database", "repositories", "configuration", "revisions", "vars", "heartbeat_s", "pool", "journal")


def shown(site):
    return json.dumps(settings_view(site))


@pytest.mark.parametrize("url", DATABASES.values(), ids=DATABASES)
def test_the_database_is_shown_without_its_password(url):
    view = settings_view(Site(database=url))
    assert SECRET not in json.dumps(view)
    assert view["database"], "something of it is shown"


def test_parts_of_the_database_url_without_secrets_are_shown():
    url = "postgresql://o2:x@db:5432/o2?connect_timeout=3"
    assert settings_view(Site(database=url))["database"] == url.replace(":x@", ":***@")
    file = "sqlite:////var/lib/o2/control/o2.sqlite"
    assert settings_view(Site(database=file))["database"] == file
    assert settings_view(Site())["database"] == ""


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_configuration_is_shown_without_its_password(line):
    assert SECRET not in shown(Site(configuration=line))


@pytest.mark.parametrize("url", REPOSITORIES.values(), ids=REPOSITORIES)
def test_repositories_are_shown_without_their_passwords(url):
    site = Site(repositories=(url,), revisions={url: ("v*",)}, vars={"url": url}, defaults={"url": url})
    assert SECRET not in shown(site)


@pytest.mark.parametrize("url", [*DATABASES.values(), *LINES.values()])
@pytest.mark.parametrize(
    "field", ["database", "repositories", "configuration", "heartbeat_s", "pool", "journal"]
)
def test_a_fault_of_the_settings_does_not_show_what_was_written(field, url):
    for value in ([url], {"url": url}, {url: 1}, url):
        _, faults = read_site({field: value})
        assert SECRET not in str(faults)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_backend_is_named_without_its_password(line):
    _, faults = with_a_backend(Site(configuration=line), MasterContext())
    assert SECRET not in str(faults)
    if not faults:
        assert SECRET not in open_backend(line, dict).name


@pytest.mark.parametrize("url", DATABASES.values(), ids=DATABASES)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url):
    with pytest.raises(StorageError) as caught:
        open_database(url.replace("@db", "@127.0.0.1").replace("//db", "//127.0.0.1"))
    assert SECRET not in str(caught.value)


def test_viewers_see_no_password_of_any_setting(tmp_path):
    site = Site(repositories=(str(repository(tmp_path)),), heartbeat_s=1e6)

    async def scene():
        async with control_harness(tmp_path, "flp1", site=site) as room:
            for url in DATABASES.values():
                kept = replace(site, database=url, vars={"u": LINES["consul"]})
                room.dispatcher._verbs["info"][1].__self__._site = kept
                assert SECRET not in json.dumps(await room.ask("info"))

    asyncio.run(scene())
