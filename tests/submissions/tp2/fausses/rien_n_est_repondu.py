# Le notebook distribué, rendu tel quel.
# base: release
