"""The demo's networks with an eighth of their channels, for tests of what happens to a network and not of what it
learns."""

CLASSIFIER = {'model.backbone.base_channels': 8, 'model.head.in_channels': 64}
SSD96 = {'model.backbone.base_channels': 8, 'model.neck.in_channels': [32],
         'model.neck.out_channels': [32, 32, 16, 16], 'model.bbox_head.in_channels': [32, 32, 16, 16]}
FASTER_RCNN = {'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]}


def options_for(config: str) -> dict:
    """Return the options that make a config of ``configs/demo`` thin, by its name."""
    return SSD96 if 'ssd96' in config else FASTER_RCNN if 'faster-rcnn' in config else CLASSIFIER
