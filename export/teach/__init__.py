"""Foundation teachers: any checkpoint of a known layout becomes one function from pictures to features."""
