"""One server for all tests of a worker, and a database for each test."""

from collections.abc import Generator

import pytest

from engage_interactions.postgres import create_tables
from tests.support.postgres import Cluster, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Generator[Cluster]:
    with running_cluster(fsync="off") as cluster:
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> Generator[str]:
    """The URL of a database with the tables."""
    with cluster.database() as url:
        assert create_tables(url)
        yield url
