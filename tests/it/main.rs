//! Holds the rules of the house, and drives the product as a whole.

mod architecture;
mod budget;
mod commands;
mod containment;
mod crash;
mod events;
mod fixture;
mod flags;
mod growth;
mod lock;
mod main_job;
mod mistakes;
mod scenes;
mod screens;
mod secrets;
mod settings;
mod stopping;
mod streams;
mod world;
