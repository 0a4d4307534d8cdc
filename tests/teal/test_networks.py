"""The networks of the containers: four out of one subnet, every address fixed and of its own."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest

from teal.docker.addresses import MEMBERS, Found, name_of, plan
from teal.settings import SMALLEST_SUBNET

SUBNETS = ["10.213.77.0/24", "10.0.0.64/26", "172.16.0.0/16", "192.168.128.0/25"]


@pytest.mark.parametrize("subnet", SUBNETS)
def test_networks_are_apart_and_fill_the_subnet(subnet):
    """No two overlap; all together they are what the user allowed."""
    networks = [IPv4Network(n.subnet) for n in plan(subnet).networks.values()]

    assert not any(a.overlaps(b) for a, b in combinations(networks, 2))
    assert IPv4Network(subnet).num_addresses == sum(n.num_addresses for n in networks)


@pytest.mark.parametrize("subnet", SUBNETS)
def test_every_address_is_usable_and_used_once(subnet):
    """Not the network's own, not the broadcast, not the bridge's, not among the spare ones."""
    for name, network in plan(subnet).networks.items():
        usable = set(IPv4Network(network.subnet).hosts())
        fixed = [IPv4Address(address) for address in (network.bridge, *network.members.values())]
        spare = set(IPv4Network(network.spare).hosts()) or set(IPv4Network(network.spare))

        assert set(fixed) <= usable, name
        assert len(set(fixed)) == len(fixed), name
        assert not spare & set(fixed), name
        assert spare & usable, "a database finds room"


def test_the_smallest_subnet_has_room_for_all():
    """`.env` refuses a smaller one."""
    assert 26 == SMALLEST_SUBNET
    with pytest.raises((IndexError, ValueError)):
        plan("10.0.0.0/28")


def test_a_pool_shares_its_network_with_nginx_and_the_prober_only():
    """What is there can be reached from a pool that was taken over."""
    for pool in ("blue", "green"):
        assert {pool, "nginx", "blackbox"} == set(plan("10.0.0.0/24").networks[pool].members)
    assert not {"prometheus", "exporter", "inbox", "grafana"} & set(MEMBERS["edge"])


@pytest.mark.parametrize("subnet", SUBNETS)
def test_blue_stays_where_it_was_with_one_network(subnet):
    """And green's address of then is known: the log names it."""
    of_now = plan(subnet)

    assert str(IPv4Network(subnet)[11]) == of_now.pool("blue") == of_now.before["blue"]
    assert str(IPv4Network(subnet)[12]) == of_now.before["green"] != of_now.pool("green")


def test_dockers_name_of_the_edge_comes_first():
    """By the names Docker decides which network publishes ports and leads outside."""
    names = [name_of(name, "teal") for name in MEMBERS if name != "monitoring"]

    assert name_of("edge", "teal") == min(names)


@pytest.mark.parametrize(
    ("existing", "is_in_the_way"),
    [
        (Found("teal_default", ("10.213.77.0/24",)), True),
        (Found("teal_edge", ("10.213.77.128/26",)), False),
        (Found("teal_edge", ("10.213.78.128/26",)), True),
        (Found("teal_pool_blue", ("10.213.77.128/26",)), True),
        (Found("teal_default", ("172.18.0.0/16",)), False),
        (Found("teal_mine", ("fd00::/64", "10.213.0.0/16")), True),
        (Found("teal_mine", ("fd00::/64",)), False),
        (Found("teal_mine", ()), False),
    ],
)
def test_a_network_is_in_the_way_if_it_collides(existing, is_in_the_way):
    """One of an older version or of another subnet does; one of the user's elsewhere does not."""
    found = plan("10.213.77.0/24").in_the_way([existing], "teal")

    assert ([existing.name] if is_in_the_way else []) == found
