//! A place in the arena, or a direction.

use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

/// Two coordinates, in units of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Point {
    pub(crate) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    pub(crate) fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    pub(crate) fn distance(self, other: Self) -> f32 {
        (self - other).length()
    }

    /// The same direction, no longer than `most`.
    pub(crate) fn at_most(self, most: f32) -> Self {
        let length = self.length();
        if length > most {
            self * (most / length)
        } else {
            self
        }
    }

    /// The same direction with length 1; nothing for no direction.
    pub(crate) fn direction(self) -> Self {
        let length = self.length();
        if length > 0.001 {
            self * length.recip()
        } else {
            Self::default()
        }
    }

    /// The way from here to `other`: 0 is here, 1 is there.
    pub(crate) fn towards(self, other: Self, part: f32) -> Self {
        self + (other - self) * part
    }

    /// Whether it is a place at all: a peer can send anything.
    pub(crate) const fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}
