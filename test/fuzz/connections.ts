export async function hostileMinutes(_seconds: number): Promise<number> {
  return 2
}
