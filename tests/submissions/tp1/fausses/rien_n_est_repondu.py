# Le notebook est rendu tel quel.
# base: release
