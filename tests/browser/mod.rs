//! The pages in a real Chromium, as people use them: with JavaScript and without, by mouse and by
//! keyboard, on a phone, in the dark, in Spanish; and the SDKs that applications use there.

mod account;
mod consent;
mod console;
mod keyboard;
mod relying_party;
mod scene;
mod sdk;
mod sign_in;
mod sign_out;
mod tour;
