/* A stand-in for libcuda.so.1: memory of the "GPU" is memory of the host. It counts what is allocated and refuses what a
   driver would refuse (no current context, a copy beyond an allocation), so that the adapter's calls are checked, not answered. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 1, NO_CONTEXT = 201, SLOTS = 64 };

static struct { char *at; size_t size; } allocations[SLOTS];
static _Thread_local int current;
static int retained, streams;

int standin_live(void)
{
    int n = retained + streams;
    for (int i = 0; i < SLOTS; i++) n += allocations[i].at != NULL;
    return n;
}

static int holds(uint64_t address, size_t size)
{
    for (int i = 0; i < SLOTS; i++)
        if (allocations[i].at == (char *)(uintptr_t)address && size <= allocations[i].size) return 1;
    return 0;
}

int cuInit(unsigned flags) { return flags ? INVALID : OK; }
int cuDriverGetVersion(int *version) { *version = 13020; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = 0; return ordinal ? INVALID : OK; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; strncpy(name, "Stand-in", size); return OK; }
int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    *value = attribute == 75 ? 8 : 7;
    return attribute == 75 || attribute == 76 ? OK : INVALID;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = &retained; retained++; return OK; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; retained--; return OK; }
int cuCtxSetCurrent(void *context) { current = context == &retained; return OK; }
int cuStreamCreate(void **stream, unsigned flags)
{
    if (!current) return NO_CONTEXT;
    if (flags != 1) return INVALID;
    *stream = &streams;
    streams++;
    return OK;
}
int cuStreamDestroy_v2(void *stream) { if (stream != &streams) return INVALID; streams--; return OK; }
int cuStreamSynchronize(void *stream) { return stream == &streams ? (current ? OK : NO_CONTEXT) : INVALID; }
int cuMemAlloc_v2(uint64_t *address, size_t size)
{
    if (!current) return NO_CONTEXT;
    for (int i = 0; i < SLOTS; i++)
        if (!allocations[i].at) {
            allocations[i].at = malloc(size);
            allocations[i].size = size;
            *address = (uint64_t)(uintptr_t)allocations[i].at;
            return OK;
        }
    return 2;
}
int cuMemFree_v2(uint64_t address)
{
    for (int i = 0; i < SLOTS; i++)
        if (allocations[i].at == (char *)(uintptr_t)address) {
            free(allocations[i].at);
            allocations[i].at = NULL;
            return OK;
        }
    return INVALID;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *stream)
{
    if (!current) return NO_CONTEXT;
    if (stream != &streams || !holds(to, size)) return INVALID;
    memcpy((void *)(uintptr_t)to, from, size);
    return OK;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream)
{
    if (!current) return NO_CONTEXT;
    if (stream != &streams || !holds(from, size)) return INVALID;
    memcpy(to, (const void *)(uintptr_t)from, size);
    return OK;
}
