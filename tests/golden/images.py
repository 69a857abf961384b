"""Writes the images of image_folder_test.ts, and their pixels, by Pillow. usage: python3 images.py (in this folder)"""

import json
import os

import numpy as np
from PIL import Image

colour = np.zeros((6, 8, 3), dtype="uint8")
colour[..., 0] = np.linspace(0, 255, 8, dtype="uint8")
colour[..., 1] = np.linspace(0, 255, 6, dtype="uint8")[:, None]
colour[..., 2] = 90
image = Image.fromarray(colour)
grey = image.convert("L")
os.makedirs("images", exist_ok=True)
image.save("images/colour.png")
image.save("images/colour.webp", lossless=True)
image.save("images/colour.jpg", quality=95, subsampling=0)
exif = image.getexif()
exif[0x0112] = 6
image.save("images/turned.jpg", quality=95, subsampling=0, exif=exif)
grey.save("images/grey.png")
grey.save("images/grey.jpg", quality=95)
image.convert("P", palette=Image.ADAPTIVE).save("images/palette.png")
see_through = image.convert("RGBA")
see_through.putalpha(100)
see_through.save("images/transparent.png")
with open("images/pixels.json", "w") as file:
    json.dump({"colour": colour.ravel().tolist(), "grey": np.array(grey).ravel().tolist()}, file)
