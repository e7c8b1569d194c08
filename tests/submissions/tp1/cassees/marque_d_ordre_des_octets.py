# Un fichier en UTF-8 avec marque d'ordre des octets : tout est lisible.
# change: bom
