"""Models that can't be seen, on data that isn't shown, with answers that can be checked.

Models and proofs: compile_model, Model, ModelKey, Proof. Encrypted inference: Program, Spec, Keys, Ciphertext. The service: Client.
Errors: Error; Rejected for proofs that are refused."""
from ._program import Error, Rejected, program_version
from .client import Client, Job, RemoteModel
from .encrypted import Ciphertext, Decrypted, Keys, Program, Spec
from .model import Model, ModelKey, Proof, Run, Verdict, compile_model

__all__ = ["Ciphertext", "Client", "Decrypted", "Error", "Job", "Keys", "Model", "ModelKey", "Program", "Proof", "Rejected", "RemoteModel", "Run", "Spec", "Verdict",
           "compile_model", "program_version"]
