"""Which channel: by the installation, by company, and what is wrong with the settings."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from adapters import home as homes
from adapters.cn_ecommerce import ChinaEcommerce, envelope
from adapters.cn_ecommerce.channels import Head
from deployments import up
from mappings import clock
from mappings.errors import ConfigurationError
from tasks.office import open_office

AMQP = {"kind": "amqp", "url": "amqp://u:secret-word@127.0.0.1:1/", "out_queue": "OUT"}


def test_http_is_the_default() -> None:
    assert ChinaEcommerce("http://c.example").channel("D") == "http"
    assert ChinaEcommerce("http://c.example", channel="local_port").channel("D") == "local_port"
    assert ChinaEcommerce().channel("D") == "http"


def test_a_company_may_have_its_own(tmp_path: Path) -> None:
    (tmp_path / "send").mkdir()
    (tmp_path / "receive").mkdir()
    own = {"DXPENT2": {"kind": "folder", "path": str(tmp_path), "envelope": "DxpMsg"}}
    ours = ChinaEcommerce("http://c.example", channel={**AMQP, "companies": own})
    assert (ours.channel("DXPENT1"), ours.channel("DXPENT2")) == ("amqp", "folder")
    sealed = envelope.write(b"<CEB303Message/>", "CEB303Message", "DXPENT2", "R", "ID", clock.now())
    ours.send(sealed, "ID")
    assert [f.read_bytes() for f in (tmp_path / "send").iterdir()] == [sealed]
    assert ours.poll("DXPENT2", "").messages == []
    with pytest.raises(ConfigurationError, match="amqp"):
        _ = ours.wire
    alone = ChinaEcommerce(channel={"companies": own})
    assert alone.channel("DXPENT2") == "folder"
    with pytest.raises(ConfigurationError, match="no address"):
        alone.poll("DXPENT1", "")


@pytest.mark.parametrize(
    ("sealed_by", "sent_by"), itertools.permutations(["http", "local_port", {"kind": "folder", "path": "x"}], 2)
)
def test_what_was_sealed_for_another_channel_leaves_by_none(sealed_by: object, sent_by: object) -> None:
    def by(channel: object) -> ChinaEcommerce:
        return ChinaEcommerce("http://127.0.0.1:1", channel=channel)  # type: ignore[arg-type]

    head = Head("CEB303Message", "D", "R", "GUID", clock.now())
    sealed = by(sealed_by).channels.wrap(b"<CEB303Message/>", head)
    with pytest.raises(ConfigurationError, match="another channel"):
        by(sent_by).send(sealed, "GUID")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("pigeon", "pigeon"),
        ({"kind": "amqp", "url": "amqp://u:secret-word@h/"}, "out_queue"),
        ({**AMQP, "url": "http://secret-word"}, "url"),
        ({**AMQP, "colour": "red"}, "colour"),
        ({**AMQP, "envelope": "DxpMsgSv"}, "end_node"),
        ({"kind": "folder"}, "path"),
        ({**AMQP, "companies": {"D": 5}}, "kind"),
        ({**AMQP, "companies": ["D"]}, "companies"),
    ],
)
def test_settings_that_do_not_hold_are_told_without_secrets(given: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        ChinaEcommerce("http://c.example", channel=given)  # type: ignore[arg-type]
    assert "secret-word" not in str(caught.value)


def test_an_installation_says_it_in_its_settings(tmp_path: Path) -> None:
    home = homes.Home(tmp_path, channels={"cn_ecommerce": {"kind": "folder", "path": "/x/{dxp_id}"}})
    homes.write(home)
    assert homes.read(tmp_path) == home
    here = open_office(home)
    assert here.authority("cn_ecommerce").channel("D") == "folder"
    assert here.authority("hk_road").channel("D") == "http"
    here.ledger.close()


def test_an_address_that_is_no_brokers() -> None:
    with pytest.raises(ConfigurationError, match="address of the broker"):
        ChinaEcommerce(channel={**AMQP, "url": "amqp://h:nonsense/"})


def test_up_opens_the_sandboxs_doors_that_the_channels_need() -> None:
    own = {"D": {"kind": "folder", "path": "clients/{dxp_id}"}, "E": "http"}
    assert up.doors({**AMQP, "companies": own}) == [
        "--amqp", AMQP["url"], "--out-queue", "OUT", "--receipt-queue", "{dxp_id}_HZ", "--folder", "clients/",
    ]  # fmt: skip
    assert up.doors("http") == up.doors(None) == up.doors({"kind": "local_port"}) == []


@pytest.mark.parametrize("text", ["channels: http", "channels: {cn_ecommerce: 5}", "channels: [amqp]"])
def test_settings_of_another_form(tmp_path: Path, text: str) -> None:
    (tmp_path / homes.SETTINGS).write_text(text)
    with pytest.raises(ConfigurationError, match="channels"):
        homes.read(tmp_path)


def test_an_authority_that_has_no_choice(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="hk_road"):
        open_office(homes.Home(tmp_path, channels={"hk_road": "amqp"}))
