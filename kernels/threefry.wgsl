// threefry.wgsl: two random words of a key and a counter, each of two words
//   Threefry-2x32 with 20 rounds (Salmon et al. 2011). Integers only: exact. Stands before the shaders
//   that draw random numbers.

fn four_rounds(block: vec2u, rotations: vec4u) -> vec2u {
  var x = block;
  for (var round = 0u; round < 4u; round++) {
    let distance = rotations[round];
    x.x += x.y;
    x.y = ((x.y << distance) | (x.y >> (32u - distance))) ^ x.x;
  }
  return x;
}

fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  let parity = 0x1bd11bdau ^ key.x ^ key.y;
  let odd = vec4u(13u, 15u, 26u, 6u);
  let even = vec4u(17u, 29u, 16u, 24u);
  var x = counter + key;
  x = four_rounds(x, odd) + vec2u(key.y, parity + 1u);
  x = four_rounds(x, even) + vec2u(parity, key.x + 2u);
  x = four_rounds(x, odd) + vec2u(key.x, key.y + 3u);
  x = four_rounds(x, even) + vec2u(key.y, parity + 4u);
  x = four_rounds(x, odd) + vec2u(parity, key.x + 5u);
  return x;
}
