"""Downloads of published archives, in which half a file is never taken for a whole one."""
import os
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """A published archive: its address, what it adds to the root, and how to tell that it did.

    Args:
        url: the address.
        size: the size, as a text.
        marks: paths under the root that exist when the archive is unpacked there.
        inside: the folder in the archive whose content goes into the root.
        md5: the checksum, or None if unknown.
        torchvision_key: the name of the archive in torchvision's table of VOC archives, if any.
    """

    url: str
    size: str
    marks: tuple[str, ...]
    inside: str = '.'
    md5: str | None = None
    torchvision_key: str | None = None

    def is_missing(self, root: Path, missing_files: Iterable[str] = ()) -> bool:
        """Whether a mark is missing, or one of ``missing_files`` is in a folder of the archive."""
        folders = {root / mark.split('/')[0] for mark in self.marks}
        return any(not (root / mark).exists() for mark in self.marks) or any(
            folder in Path(path).parents for path in missing_files for folder in folders)

    def advice(self, root: Path) -> str:
        """Return a line that says where to download the archive, and where to unpack it."""
        place = 'into' if self.inside == '.' else f'and put the content of its {self.inside} into'
        return f'{self.url} ({self.size}): unpack it {place} {root}'


def _voc(name: str, size: str, *, mark: str, key: str) -> Archive:
    year = mark[3:7]
    return Archive(f'https://thor.robots.ox.ac.uk/pascal/VOC/voc{year}/{name}', size,
                   (f'{mark}.txt', ), inside='VOCdevkit', torchvision_key=key)


def _coco(path: str, size: str, *marks: str) -> Archive:
    # The name images.cocodataset.org has no certificate of its own.
    return Archive(f'https://s3.amazonaws.com/images.cocodataset.org/{path}', size, marks)


# The sizes are those on the web pages of the data sets.
VOC0712_ARCHIVES = (
    _voc('VOCtrainval_06-Nov-2007.tar', '450 MB', mark='VOC2007/ImageSets/Main/trainval',
         key='2007'),
    _voc('VOCtest_06-Nov-2007.tar', '430 MB', mark='VOC2007/ImageSets/Main/test',
         key='2007-test'),
    _voc('VOCtrainval_11-May-2012.tar', '2 GB', mark='VOC2012/ImageSets/Main/trainval',
         key='2012'),
)
COCO2017_ARCHIVES = (
    _coco('zips/train2017.zip', '18 GB', 'train2017'),
    _coco('zips/val2017.zip', '1 GB', 'val2017'),
    _coco('annotations/annotations_trainval2017.zip', '241 MB',
          'annotations/instances_train2017.json', 'annotations/instances_val2017.json'),
)


def fetch(archive: Archive, root: str | os.PathLike) -> None:
    """Download an archive, unpack it beside its place, then move its content into ``root``.

    Raises:
        RuntimeError: the archive could not be downloaded, or is damaged. ``root`` then stays as it
            was, unless the last step has failed, which moves the content into it.
    """
    from torchvision.datasets.utils import download_url

    # Unpack in a folder of its own, so that no half file takes the place of a whole one.
    root, archive = Path(root), _from_torchvision(archive)
    incoming = root / '.incoming'
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    try:
        packed = incoming / archive.url.rpartition('/')[2]
        download_url(archive.url, str(incoming), packed.name, archive.md5)
        # This filter refuses members and links of a tar that would leave the folder. Those of a
        # zip are skipped without it.
        shutil.unpack_archive(packed, incoming,
                              filter='data' if tarfile.is_tarfile(packed) else None)
        packed.unlink()
        _move_into(incoming / archive.inside, root)
    except Exception as error:  # of urllib, http, tarfile, zipfile, zlib, lzma or torchvision
        raise RuntimeError(f'{archive.url} could not be downloaded completely ({error}): try '
                           'again, or download it in another way; '
                           f'{archive.advice(root)}') from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _from_torchvision(archive: Archive) -> Archive:
    """Return the archive with the address and checksum that torchvision's VOCDetection uses."""
    if archive.torchvision_key is None:
        return archive
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    entry = DATASET_YEAR_DICT[archive.torchvision_key]
    return replace(archive, url=entry['url'], md5=entry['md5'])


def _move_into(source: Path, target: Path) -> None:
    """Move a tree, and merge folders that exist already."""
    # ImageSets comes last: its lists are the marks that say that the rest is there.
    for path in sorted(source.iterdir(), key=lambda path: (path.name == 'ImageSets', path.name)):
        place = target / path.name
        if path.is_dir() and place.is_dir():
            _move_into(path, place)
        else:
            path.replace(place)
