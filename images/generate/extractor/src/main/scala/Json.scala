package pickleball.facts

/** A JSON tree that is written once and never read back. */
enum Json {
  case Str(value: String)
  case Num(value: Long)
  case Bool(value: Boolean)
  case Arr(values: Iterable[Json])
  case Obj(members: Seq[(String, Json)])

  /** The text, without white space, members in the order that they were given. */
  def text: String = {
    val out = new java.lang.StringBuilder
    write(out)
    out.toString
  }

  def write(out: java.lang.StringBuilder): Unit = this match {
    case Str(value)   => Json.quote(value, out)
    case Num(value)   => out.append(value)
    case Bool(value)  => out.append(value)
    case Arr(values)  => out.append('['); Json.separated(values, out)(_.write(out)); out.append(']')
    case Obj(members) =>
      out.append('{')
      Json.separated(members, out) { case (key, value) => Json.quote(key, out); out.append(':'); value.write(out) }
      out.append('}')
  }
}

object Json {
  /** An object without its empty members: their absence says the same in fewer bytes. */
  def obj(members: (String, Json)*): Obj = Obj(members.filter {
    case (_, Arr(values))    => values.nonEmpty
    case (_, Obj(inner))     => inner.nonEmpty
    case _                   => true
  })

  def strings(values: Iterable[String]): Arr = Arr(values.toList.map(Str.apply))

  private def quote(value: String, out: java.lang.StringBuilder): Unit = {
    out.append('"')
    value.foreach {
      case '"'                                              => out.append("\\\"")
      case '\\'                                             => out.append("\\\\")
      case c if c < ' ' || Character.isSurrogate(c)         => out.append(f"\\u${c.toInt}%04x")
      case c                                                => out.append(c)
    }
    out.append('"')
  }

  private def separated[T](values: Iterable[T], out: java.lang.StringBuilder)(each: T => Any): Unit = {
    var first = true
    values.foreach { value => if (!first) out.append(','); first = false; each(value) }
  }
}
