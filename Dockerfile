# The image of template-keras.yaml: TensorFlow, the bundles and the code of all three functions,
# each where the layers of template.yaml have it. What changes most often lies on top, so that new
# code is a push of kilobytes. Every file and folder has one time, and folders are copied onto the
# root whole, because COPY gives those that it makes its own: so a layer is the same wherever it is
# built, and is pushed once.

FROM public.ecr.aws/lambda/python:3.12 AS dependencies
ENV PIP_NO_CACHE_DIR=1
COPY layers/dependencies /dependencies
RUN python3.12 /dependencies/install.py keras /layer/opt/python && touch -d 1980-01-01 /layer/opt

FROM public.ecr.aws/lambda/python:3.12 AS code
COPY layers/dependencies/finish.py /
COPY artifacts /bundles/opt/artifacts
COPY layers/serving/serving /code/opt/python/serving
COPY functions/*/*.py /code/var/task/
RUN python3.12 /finish.py /bundles / && python3.12 /finish.py /code /

FROM public.ecr.aws/lambda/python:3.12
COPY --from=dependencies /layer/ /
COPY --from=code /bundles/ /
COPY --from=code /code/ /
# The template's variables, for `docker run` alone; ENGINE is set here only.
ENV ENGINE=keras ARTIFACTS_DIR=/opt/artifacts OPENBLAS_NUM_THREADS=1
# The template names the function's own.
CMD ["predict_image.handler"]
