/* Receiver of the sonoderm display link, version 1 (docs/display.md). Portable C99: no malloc, no stdio, no floating point,
 * 1.1 kB of memory in one struct. Feed it each byte that arrives, poll it for bytes to send, ask it what may be drawn.
 *
 * Time is in milliseconds of any clock that goes on steadily; it may wrap. One struct belongs to one thread (or to one interrupt level).
 *
 * Research use only; not a medical device. Apache-2.0.
 */
#ifndef SONODERM_DISPLAY_H
#define SONODERM_DISPLAY_H

#include <stdint.h>

#define SD_RESEARCH_USE_ONLY "RESEARCH USE ONLY"

enum {
    SD_PAYLOAD_CAP_B = 18,
    SD_WIRE_CAP_B = 24,  /* payload, CRC-32, one byte of stuffing, the closing zero */
    SD_BLOCK_CAP_B = 1024,
    SD_LABELS_CAP = 32,
    SD_SILENCE_MS = 200,
    SD_WANT_EVERY_MS = 100,
    SD_PRESS_EVERY_MS = 50,
    SD_PRESS_MS = 1000,
    SD_NONE = 255,       /* in label and confidence */
    SD_NO_LIVE_STATE = 15
};

typedef enum { SD_FAULT, SD_FROZEN, SD_NO_SIGNAL, SD_STARTING, SD_POOR_IMAGE, SD_OUT_OF_SCOPE, SD_UNSURE, SD_READY } sd_state;
typedef enum { SD_STALE, SD_LOADING, SD_LIVE } sd_shows;
typedef enum { SD_IDLE, SD_SENDING, SD_TAKEN, SD_NOT_TAKEN } sd_button;
typedef enum { SD_FREEZE = 1, SD_RESUME, SD_TOGGLE, SD_ACKNOWLEDGE } sd_command;

/* UTF-8 that is not closed by a zero: it lies in the label table. */
typedef struct { const uint8_t *at; uint8_t length_b; } sd_text;

/* What may be drawn now. In SD_STALE nothing but `shows`, `button`, `activity`, `title` and `other_version` means anything. */
typedef struct {
    sd_shows shows;
    sd_button button;
    uint8_t activity;        /* moves with each fresh frame: a screen on which it stands still is dead */
    uint8_t other_version;   /* frames of another version arrive: this display must be updated */
    sd_text title;
    uint8_t rendered;        /* a drawn phantom, no patient: say so */
    sd_state state;
    uint8_t live_state;      /* in SD_FROZEN: what the probe would show now, else SD_NO_LIVE_STATE */
    uint8_t reason;          /* 0: none; sd_reason() has the words */
    uint8_t label;           /* SD_NONE: none; sd_label() has the words. Always SD_NONE unless SD_LIVE */
    uint8_t confidence;      /* halves of a percent, SD_NONE: none */
    uint32_t fits;           /* the prediction set, a bit for each label. Always 0 unless SD_LIVE */
    uint16_t frozen_age_s;
} sd_screen;

typedef struct {
    uint8_t rest[SD_WIRE_CAP_B];
    uint8_t rest_b, is_too_long;
    uint32_t damaged;
    uint8_t said[SD_PAYLOAD_CAP_B];
    uint8_t has_said, activity, other_version;
    uint32_t heard_ms;
    uint8_t block[SD_BLOCK_CAP_B];
    uint16_t block_b;        /* how much of it has come */
    uint32_t table, coming;  /* hash of the whole block; of the one that is being collected; 0: none */
    uint8_t has_asked;
    uint32_t asked_ms;
    uint16_t boot;
    uint8_t press_seq, press_command, press_was_sent;
    uint32_t pressed_ms, sent_ms;
    sd_button button;
} sd_display;

/* boot: another number at each start (a counter in flash, noise, a timer): a press is then never taken for an old one. */
void sd_init(sd_display *d, uint16_t boot);
void sd_byte(sd_display *d, uint8_t byte, uint32_t now_ms);
/* Writes at most SD_WIRE_CAP_B bytes to send and returns how many. Call it often: after each frame, and every 25 ms. */
uint8_t sd_poll(sd_display *d, uint32_t now_ms, uint8_t out[SD_WIRE_CAP_B]);
void sd_press(sd_display *d, sd_command command, uint32_t now_ms);
void sd_read_screen(const sd_display *d, uint32_t now_ms, sd_screen *screen);

/* Words. code and name of a label of the table, which is whole: id must be below its count. Returns 0 when there is none. */
int sd_label(const sd_display *d, uint8_t id, sd_text *code, sd_text *name);
const char *sd_state_word(uint8_t state);
const char *sd_reason(uint8_t reason); /* "" for none, "unknown reason" for one of a later version */

#endif
