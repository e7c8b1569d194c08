"""What the tests of the TPs share."""

import pytest
import torch
from notebook_rules import executed


@pytest.fixture(scope="module")
def run(request):
    """The solutions of the module's ``NOTEBOOK``, executed from top to bottom on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield executed(request.module.NOTEBOOK.name)
    torch.set_num_threads(threads)
