"""timm backbones, metadata fusion, and the lesion segmentation decoder."""
