"""Every test runs for each host of the scenario."""

import pytest
import testinfra
from shared.platforms import Platform
from shared.subject import Subject, subjects
from testinfra.host import Host


@pytest.fixture(scope="session", params=subjects(), ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    """A host of the scenario, as the scenario sees it."""
    found: Subject = request.param
    return found


@pytest.fixture(scope="session")
def host(subject: Subject) -> Host:
    """The host itself: shell commands by docker exec, nothing of the collection."""
    return testinfra.get_host(f"docker://{subject.container}")


@pytest.fixture(scope="session")
def platform(subject: Subject) -> Platform:
    """What its vendor ships."""
    return subject.platform
