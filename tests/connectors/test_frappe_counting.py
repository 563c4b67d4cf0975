"""What one request tells of a whole list: how many documents there are, and which name is the last."""

from __future__ import annotations

import json

import pytest
from frappe_model import ModelSite, answer

from connectors.frappe import DocTypeError, count_request, read_count, read_last_name


class Says(ModelSite):
    """A site that says one thing, whatever it is asked."""

    def __init__(self, body: bytes) -> None:
        super().__init__({})
        self.body = body

    def send(self, request, **options):
        return answer(request, 200, self.body)


def test_conditions_to_count_by_go_as_an_object_because_frappe_13_takes_no_list():
    request = count_request("GL Entry", {"to_rename": ("=", 1), "creation": ("<=", "2026-03-01 10:00:00")})
    assert json.loads(request.params["filters"]) == {"to_rename": ["=", 1], "creation": ["<=", "2026-03-01 10:00:00"]}
    assert "filters" not in count_request("GL Entry").params


def test_documents_are_counted_by_a_condition():
    site = ModelSite({"ToDo": [{"name": f"T{number}"} for number in range(7)]})
    assert read_count(site.session(), count_request("ToDo", {"name": ("<", "T4")})) == 4


@pytest.mark.parametrize("body", [b'{"message":"7"}', b'{"message":true}', b'{"message":null}', b"{}", b'{"a":[}'])
def test_a_count_that_is_no_number_is_the_doctypes_trouble(body):
    with pytest.raises(DocTypeError, match="a count was asked for"):
        read_count(Says(body).session(), count_request("ToDo"))


@pytest.mark.parametrize("names", [[], ["a", "c", "b"], [2, 11, 9]])
def test_the_last_name_is_the_last_in_the_sites_order(names):
    site = ModelSite({"ToDo": [{"name": name} for name in names]})
    assert read_last_name(site.session(), "ToDo") == max(names, default="")
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "body", [b'{"data":7}', b'{"data":["a"]}', b'{"data":[{"name":true}]}', b'{"data":[{}]}', b'{"data":[}', b"{}"]
)
def test_a_last_name_that_is_none_is_the_doctypes_trouble(body):
    with pytest.raises(DocTypeError, match="isn't a list of rows"):
        read_last_name(Says(body).session(), "ToDo")
