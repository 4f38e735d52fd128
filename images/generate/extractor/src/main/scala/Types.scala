package pickleball.facts

import io.joern.pysrc2cpg.{Py2CpgOnFileSystem, Py2CpgOnFileSystemConfig}
import io.joern.x2cpg.frontendspecific.pysrc2cpg.*
import io.joern.x2cpg.layers.{Base, CallGraph, TypeRelations}
import io.joern.x2cpg.passes.frontend.XTypeRecoveryConfig
import io.shiftleft.codepropertygraph.generated.{Cpg, nodes}
import io.shiftleft.semanticcpg.language.*
import io.shiftleft.semanticcpg.layers.LayerCreatorContext

import scala.collection.mutable
import scala.util.control.NonFatal

/** What Joern's type recovery knows about one file; keys are (line, column, name). */
class Types {
  type Place = (Int, Int, String)
  val calls   = mutable.HashMap.empty[Place, Set[String]]  // callees
  val results = mutable.HashMap.empty[Place, Set[String]]  // types of the value
  val names   = mutable.HashMap.empty[Place, Set[String]]  // types of an identifier
  val bases   = mutable.HashMap.empty[String, Set[String]] // class -> resolved bases
  val members = mutable.HashMap.empty[String, mutable.SortedMap[String, Set[String]]]
  val returns = mutable.HashMap.empty[String, Set[String]] // function -> types
}

object Types {
  private val iterations = 2
  private val unknown    = Set("ANY", "object", "", "<unknownFullName>", "<empty>")

  private def known(types: Iterator[String]): Set[String] =
    types.filterNot(name => name == null || unknown(name) || name.startsWith("<unresolved")).toSet

  private def add[K](to: mutable.HashMap[K, Set[String]], key: K, types: Set[String]): Unit =
    if (types.nonEmpty) to.updateWith(key)(before => Some(before.getOrElse(Set.empty[String]) ++ types))

  /** Builds the code property graph of a folder, recovers types, and returns them per file with the passes that failed.
    *
    * `report` hears of each step: its name, how many are done, how many there are.
    */
  def recover(root: String, report: (String, Int, Int) => Unit): (Map[String, Types], Seq[String]) = {
    report("graph", 0, 0)
    val config = Py2CpgOnFileSystemConfig().withInputPath(root).withOutputPath("").withDisableFileContent(true)
    val cpg    = new Py2CpgOnFileSystem().createCpg(config).get
    try {
      val context = new LayerCreatorContext(cpg)
      new Base().run(context); new TypeRelations().run(context); new CallGraph().run(context)
      val passes = postProcessingPasses(cpg, XTypeRecoveryConfig(iterations, enabledDummyTypes = false))
        // It ties every unresolved call to each method of that name: hundreds of callees for one super().__init__.
        .filter(_.getClass.getSimpleName != "NaiveCallLinker")
      val failed = passes.zipWithIndex.flatMap { (pass, done) =>
        report(pass.getClass.getSimpleName, done, passes.size)
        try { pass.createAndApply(); None }
        catch { case error @ (NonFatal(_) | _: StackOverflowError) => Some(s"${pass.getClass.getSimpleName}: $error") }
      }
      (harvest(cpg), failed.toSeq)
    } finally cpg.close()
  }

  private def harvest(cpg: Cpg): Map[String, Types] = {
    val found = mutable.HashMap.empty[String, Types]
    def of(file: String) = found.getOrElseUpdate(file, new Types)
    for (method <- cpg.method if !method.isExternal)
      add(of(method.filename).returns, method.fullName,
        known(Iterator(method.methodReturn.typeFullName) ++ method.methodReturn.dynamicTypeHintFullName))
    for (declared <- cpg.typeDecl if !declared.isExternal && declared.filename != "N/A" && !declared.fullName.endsWith("<meta>")) {
      val types = of(declared.filename)
      add(types.bases, declared.fullName, known(declared.inheritsFromTypeFullName.iterator))
      for (member <- declared.member) {
        val kinds = known(Iterator(member.typeFullName) ++ member.dynamicTypeHintFullName)
        if (kinds.nonEmpty) types.members.getOrElseUpdate(declared.fullName, mutable.SortedMap.empty)(member.name) = kinds
      }
    }
    for (file <- cpg.file; types = of(file.name); method <- file.method; node <- method.ast) node match {
      case call: nodes.Call if !call.name.startsWith("<operator>") =>
        for (line <- call.lineNumber; column <- call.columnNumber) {
          add(types.calls, (line, column, call.name), known(Iterator(call.methodFullName) ++ call.dynamicTypeHintFullName))
          add(types.results, (line, column, call.name), known(Iterator(call.typeFullName)))
        }
      case name: nodes.Identifier =>
        for (line <- name.lineNumber; column <- name.columnNumber)
          add(types.names, (line, column, name.name), known(Iterator(name.typeFullName) ++ name.dynamicTypeHintFullName))
      case _ =>
    }
    found.toMap
  }
}
