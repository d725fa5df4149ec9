"""All contact with OpenMMLab itself: versions, configs, storage, strict reading, and the few mends
of something upstream."""
