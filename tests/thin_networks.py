"""The demo's networks with an eighth of their channels, for tests of what happens to a network and not of what it
learns."""

CLASSIFIER = {'model.backbone.base_channels': 8, 'model.head.in_channels': 64}
SSD96 = {'model.backbone.base_channels': 8, 'model.neck.in_channels': [32],
         'model.neck.out_channels': [32, 32, 16, 16], 'model.bbox_head.in_channels': [32, 32, 16, 16]}
WITH_FPN = {'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]}


def options_for(config: str) -> dict:
    """Return the options that make a config of ``configs/demo`` thin, by its name."""
    if 'scenes-' not in config:
        return CLASSIFIER
    if 'dino' in config:
        return {'model.backbone.base_channels': 8, 'model.neck.in_channels': [16, 32, 64]}
    if 'retinanet' in config or 'atss' in config:
        return {**WITH_FPN, 'model.test_cfg.score_thr': 0}  # they begin with scores of 0.01
    return SSD96 if 'ssd96' in config else {} if 'convnext' in config else WITH_FPN
