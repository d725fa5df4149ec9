"""The devices that the tests of mmcv's ops run on."""
import pytest
import torch


@pytest.fixture(params=['cpu', 'cuda'])
def device(request) -> str:
    if request.param == 'cuda' and not torch.cuda.is_available():
        pytest.skip('there is no GPU here')
    return request.param
