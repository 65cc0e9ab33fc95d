//! Holds the rules of the house, and drives the product as a whole.

mod architecture;
mod crash;
mod fixture;
mod stopping;
mod verify;
mod world;
