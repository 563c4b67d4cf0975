"""A site's manners are found by looking."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from frappe_raw_server import respond, serving
from frappe_recordings import Playback

from connectors.frappe import Manners, SatelliteError, detect_manners


@pytest.mark.parametrize(
    ("recorded", "coalesced"),
    [("v13/b_list/08", True), ("v14/b_list/08", False), ("v15/b_list/49", False), ("v15/b_list/30", False)],
)
def test_coalesced_filters_are_told_from_the_sql_in_one_request(recorded, coalesced):
    site = Playback(recorded)
    assert detect_manners(site.session()) == Manners(coalesced_filters=coalesced)
    (request,) = site.requests
    assert parse_qs(urlsplit(request.url).query)["debug"] == ["1"]


@pytest.mark.parametrize("recorded", ["v15/a_auth/09", "v15/b_list/19", "v13/a_auth/07", "v15/b_list/13"])
def test_a_site_that_tells_nothing_is_like_most(recorded):
    assert detect_manners(Playback(recorded).session()) == Manners(coalesced_filters=False)


@pytest.mark.parametrize("body", [b"{]}", b'{"exc":["coalesce("]}', b'{"exc":5}', b'{"data":[["coalesce(`x`"]]}'])
def test_a_site_that_tells_nonsense_is_like_most(body):
    with serving(respond(body)) as server:
        assert not detect_manners(server.session()).coalesced_filters


def test_a_site_as_a_whole_in_trouble_is_still_in_trouble():
    with pytest.raises(SatelliteError):
        detect_manners(Playback("v15/a_auth/05").session())
