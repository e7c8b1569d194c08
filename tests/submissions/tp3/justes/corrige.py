# Les réponses de référence, telles quelles.
