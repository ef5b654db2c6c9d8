"""The laws of the house itself: layers, light imports, a whole wheel, a clean lock."""
