"""What the results bucket holds for every object of the input bucket.

reconcile  brings the answer to an object in line with the object's last version
answers    where an answer is, what is stored beside it, whether it is up to date
documents  files of one answer: a picture, a text, a JSON document
rows       files of many rows, answered line by line
progress   how far such an answer is, its parts and what is kept of it
tables     CSV and JSON lines to instances, as they are read
lines      the lines of a file as text
archives   ZIP archives of pictures to instances, as they are read
presigned  uploads that do not fit through the API, and what became of them
kinds      which of these a file is, by its key and its first bytes
"""
