"""Addresses for people."""

from django.urls import URLPattern, URLResolver, path

from classifier.web.views import capture, corrections, home, model_card, pictures, practice, readings, records, trail

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("upload/", capture.upload, name="upload"),
    path("upload/patients", capture.patient_search, name="patient-search"),
    path("upload/lesions", capture.lesion_search, name="lesion-search"),
    path("readings/<uuid:public_id>/", readings.reading, name="reading"),
    path("readings/<uuid:public_id>/status", readings.reading_status, name="reading-status"),
    path("readings/<uuid:public_id>/retry", readings.reading_retry, name="reading-retry"),
    path("readings/<uuid:public_id>/heat-map", pictures.heat_map, name="heat-map"),
    path("readings/<uuid:public_id>/similar/<int:place>", pictures.similar_case, name="similar-case"),
    path("history/", readings.history_page, name="history"),
    path("patients/", records.patients, name="patients"),
    path("patients/new/", records.patient_create, name="patient-create"),
    path("patients/<uuid:public_id>/", records.patient, name="patient"),
    path("patients/<uuid:public_id>/edit/", records.patient_edit, name="patient-edit"),
    path("patients/<uuid:public_id>/lesions/new/", records.lesion_create, name="lesion-create"),
    path("lesions/<uuid:public_id>/", records.lesion, name="lesion"),
    path("lesions/<uuid:public_id>/edit/", records.lesion_edit, name="lesion-edit"),
    path("images/<uuid:public_id>/file", pictures.image_file, name="image-file"),
    path("images/<uuid:public_id>/thumbnail", pictures.image_thumbnail, name="image-thumbnail"),
    path("images/<uuid:public_id>/readings/", readings.image_readings, name="image-readings"),
    path("images/<uuid:public_id>/read-again", readings.image_read_again, name="image-read-again"),
    path("images/<uuid:public_id>/move", corrections.image_move, name="image-move"),
    path("images/<uuid:public_id>/modality", corrections.image_modality, name="image-modality"),
    path("images/<uuid:public_id>/declared", corrections.image_declared, name="image-declared"),
    path("images/<uuid:public_id>/error", corrections.image_error, name="image-error"),
    path("trail/patients/", trail.find_patient, name="trail-patients"),
    path("trail/patients/<uuid:public_id>/", trail.patient, name="trail-patient"),
    path("clinic/practice/", practice.set_practice, name="clinic-practice"),
    path("models/<uuid:public_id>/", model_card.model_card, name="model"),
]
