# Écrit sur Colab : installations, disque monté, envoi de fichiers, calcul sur GPU ; rien de cela ne touche aux réponses.
# %% q1_2
!pip install -q scipy torch
from google.colab import drive, files
drive.mount("/content/drive")
files.upload()
%cd /content/drive/MyDrive
import torch

device = torch.device("cuda")


def posterior(Phi, y, alpha, beta):
    Phi, y = torch.tensor(Phi).double().to("cuda"), torch.tensor(y).double().to(device)
    A = alpha * torch.eye(Phi.shape[1], dtype=torch.float64, device="cuda") + beta * Phi.T @ Phi
    Sigma = torch.linalg.inv(A)
    return (beta * Sigma @ Phi.T @ y).cpu().numpy(), Sigma.cpu().numpy()
# %% after q1_2
%matplotlib inline
from google.colab import output
!nvidia-smi
!wget -q https://example.org/donnees.csv
# %% after q1_4a
files.download("tp1.ipynb")
