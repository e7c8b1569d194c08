# Le notebook est rendu tel qu'il a été distribué.
# base: release
