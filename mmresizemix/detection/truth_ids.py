"""Ids in a COCO truth that every evaluation tells apart.

COCO's evaluation takes annotation 0 for "no match". It also computes with ids as doubles, which do
not hold every integer beyond 2^53, and faster-coco-eval takes integers only.
"""
from typing import Any

from ..datasets.coco import LARGEST_ID


def number_ids(truth: dict[str, Any]) -> dict[Any, int]:
    """Change the ids of images and of annotations to 1, 2, ..., if an evaluation would confuse the
    ids that they have. Otherwise they stay the same.

    Args:
        truth: a COCO truth, with 'images' and 'annotations'. It is changed in place.

    Returns:
        The id of each image by the id that it had.
    """
    images, annotations = truth['images'], truth['annotations']
    had = [image['id'] for image in images]
    number = {image_id: image_id for image_id in had}
    if not _distinct(had, 0):
        number = {image_id: i for i, image_id in enumerate(had, 1)}
        for image in images:
            image['id'] = number[image['id']]
        for one in annotations:  # one of an image that is not listed belongs to none
            one['image_id'] = number.get(one['image_id'], -1)
    if not _distinct([one.get('id') for one in annotations], 1):
        for i, one in enumerate(annotations, 1):
            one['id'] = i
    return number


def _distinct(ids: list[Any], lowest: int) -> bool:
    return len(set(ids)) == len(ids) and all(
        type(one) is int and lowest <= one <= LARGEST_ID for one in ids)
