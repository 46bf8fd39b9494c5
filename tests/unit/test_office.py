"""The office of a home: what every stage works with; and keys for a dry run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from adapters import home as homes
from adapters.keys import SoftwareKeys
from adapters.keys.local import FOLDER, local_keys
from mappings.canonical.model import Party
from mappings.errors import AuthorityUnavailable, ConfigurationError
from tasks import office as offices
from tasks.office import open_office
from tests.contract.loopback import closed_port
from tests.unit.desk import Desk
from tests.unit.signing import rsa_keys

ONE, TWO = (Party(code=f"91440400MA{n}", name=f"公司{n}", dxp_id=f"DXP{n}") for n in (1, 2))


def test_one_office_a_process(desk: Desk) -> None:
    here = offices.office()
    assert here is offices.office()
    assert here.home.path == desk.office.home.path
    assert here.worker.endswith(f":{os.getpid()}")
    assert set(here.authorities) == {"cn_ecommerce", "hk_road"}
    here.ledger.close()


def test_an_authority_that_there_is_not(desk: Desk) -> None:
    assert desk.office.authority("hk_road").name == "hk_road"
    with pytest.raises(ConfigurationError, match=r"moon.*cn_ecommerce"):
        desk.office.authority("moon")


def test_keys_are_made_in_the_sandbox_alone(desk: Desk, tmp_path: Path) -> None:
    desk.take_in()
    truck = desk.standing().truck
    nobody = {"cn_ecommerce": f"http://127.0.0.1:{closed_port()}"}
    live = open_office(homes.Home(tmp_path / "live", mode="live", authorities=nobody))
    live.ensure_keys(truck)
    assert not (tmp_path / "live" / "keys").exists(), "live keys are imported by hand"
    box = open_office(homes.Home(tmp_path / "box", authorities=nobody))
    with pytest.raises(AuthorityUnavailable):
        box.ensure_keys(truck)
    open_office(homes.Home(tmp_path / "alone")).ensure_keys(truck)
    assert not (tmp_path / "alone" / "keys").exists()


def test_a_key_provider_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nosuch"):
        open_office(homes.Home(tmp_path, keys="nosuch.module:keys"))


def test_dry_run_keys_are_made_once_and_trusted_by_nobody(tmp_path: Path) -> None:
    keys, ours = local_keys([ONE, TWO, Party(name="without a code")], tmp_path)
    assert ours
    assert not (tmp_path / "keys").exists()
    assert (tmp_path / FOLDER).is_dir()
    certificate = keys.certificate(ONE.code)
    assert certificate.owner_codes == (ONE.code,)
    again, _ = local_keys([ONE, TWO], tmp_path)
    assert again.certificate(ONE.code) == certificate
    assert again.sign(ONE.code, b"x") == keys.sign(ONE.code, b"x")
    with pytest.raises(ConfigurationError):
        SoftwareKeys(tmp_path / "keys").certificate(ONE.code)


def test_an_installations_own_keys_come_first(tmp_path: Path) -> None:
    real = rsa_keys(tmp_path, ONE)
    keys, ours = local_keys([ONE], tmp_path)
    assert not ours
    assert keys.certificate(ONE.code) == real.certificate(ONE.code)
    _, mixed = local_keys([ONE, TWO], tmp_path)
    assert mixed, "one company without a key is enough"


def test_an_authority_without_an_address_cannot_be_reached(desk: Desk) -> None:
    with pytest.raises(ConfigurationError):
        desk.office.authority("cn_ecommerce").send(etree.tostring(etree.Element("x")), "id")
