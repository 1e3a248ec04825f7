import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'

/** A project an image is shared with. Times in milliseconds. */
export interface Member {
  image_id: string
  member: string
  status: string
  created_at: number
  updated_at: number
}

/** The members of an image, or only `member`. */
export async function findMembers(query: Query, imageId: string, member?: string | null): Promise<Member[]> {
  const members = query('image_members').where({ image_id: imageId }).orderBy('created_at').orderBy('member')
  return member === undefined ? members : members.where({ member })
}

/** Returns a member of an image; null when it is none. */
export async function findMember(query: Query, imageId: string, member: string): Promise<Member | null> {
  return (await query('image_members').where({ image_id: imageId, member }).first()) ?? null
}

/** False when the project is a member already. */
export async function insertMember(tx: Transaction, imageId: string, member: string): Promise<boolean> {
  const now = Date.now()
  const row = { image_id: imageId, member, status: 'pending', created_at: now, updated_at: now }
  return insertIfAbsent(tx, 'image_members', row)
}

/** Writes the status that a member gave its membership. Returns false when it is no member. */
export async function writeAnswer(query: Query, imageId: string, member: string, answer: string): Promise<boolean> {
  const row = { status: answer, updated_at: Date.now() }
  const touched: number = await query('image_members').where({ image_id: imageId, member }).update(row)
  return touched > 0
}

/** False when it is no member. */
export async function removeMember(query: Query, imageId: string, member: string): Promise<boolean> {
  const touched: number = await query('image_members').where({ image_id: imageId, member }).delete()
  return touched > 0
}
