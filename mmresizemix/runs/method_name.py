"""The name of a pretraining, by its batch augments."""


def method_of(augments: dict | list | None) -> str | None:
    """Return the name of a pretraining by its batch augments, e.g. 'baseline' or 'resizemix'.

    Return None if ``augments`` are not configs of batch augments.
    """
    augments = [augments] if isinstance(augments, dict) else augments or []
    if not all(isinstance(a, dict) and isinstance(a.get('type'), str) for a in augments):
        return None
    names = [_method_of_one(a) for a in augments if a.get('prob') != 0]
    return '+'.join(names) or 'baseline'


def _method_of_one(augment: dict) -> str:
    name = augment['type'].rpartition('.')[2].lower()
    if not augment['type'].startswith('mmresizemix.'):  # mmpretrain's ResizeMix is another method
        return f'mmpretrain-{name}' if name == 'resizemix' else name
    # The plain name means one draw per batch, as the methods were published and released.
    return name if augment.get('per', 'sample') == 'batch' else f'{name}-persample'
