using System.Reflection;

namespace Distributed.Architecture.Tests;

/// <summary>The arrows between projects: Credit, Protocol, Actors, Fabric, Node; engine and environments see only the ports, and only Node names them.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Distributed.Credit"] = [],
        ["Distributed.Ports"] = [],
        ["Distributed.Protocol"] = ["Distributed.Credit"],
        ["Distributed.Engine"] = ["Distributed.Ports"],
        ["Distributed.Engine.Torch"] = ["Distributed.Engine", "Distributed.Ports"],
        ["Distributed.Environments"] = ["Distributed.Ports"],
        ["Distributed.Actors"] = ["Distributed.Credit", "Distributed.Ports", "Distributed.Protocol"],
        ["Distributed.Fabric"] = ["Distributed.Actors", "Distributed.Credit", "Distributed.Ports", "Distributed.Protocol"],
        ["Distributed.Fabric.AkkaCluster"] = ["Distributed.Actors", "Distributed.Credit", "Distributed.Fabric", "Distributed.Ports", "Distributed.Protocol"],
        ["Distributed.Simulation"] = ["Distributed.Actors", "Distributed.Credit", "Distributed.Ports", "Distributed.Protocol"],
        ["Distributed.Node"] =
        [
            "Distributed.Actors", "Distributed.Credit", "Distributed.Engine", "Distributed.Engine.Torch", "Distributed.Environments", "Distributed.Fabric", "Distributed.Fabric.AkkaCluster", "Distributed.Ports", "Distributed.Protocol",
            "Distributed.Simulation",
        ],
    };

    public static TheoryData<string> Projects => [.. Sources.Projects];

    [Fact]
    public void Every_project_has_its_place() => Sources.Projects.ShouldBe(Allowed.Keys, ignoreOrder: true);

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_file_refers_only_to_what_stands_below_it(string project) =>
        Sources.ProjectReferences(project).Except(Allowed[project]).ShouldBeEmpty($"{project} must not refer to these");

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_compiled_assembly_uses_only_what_stands_below_it(string project)
    {
        var references = Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, project + ".dll")).GetReferencedAssemblies().Select(name => name.Name!);
        references.Where(name => name.StartsWith("Distributed.", StringComparison.Ordinal)).Except(Allowed[project]).ShouldBeEmpty($"{project} must not use these");
    }

    [Theory]
    [InlineData("Distributed.Credit")]
    [InlineData("Distributed.Ports")]
    [InlineData("Distributed.Protocol")]
    [InlineData("Distributed.Engine")]
    [InlineData("Distributed.Engine.Torch")]
    [InlineData("Distributed.Environments")]
    public void Parts_below_the_actors_know_nothing_of_Akka(string project) =>
        Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, project + ".dll")).GetReferencedAssemblies()
            .Where(name => name.Name!.StartsWith("Akka", StringComparison.Ordinal)).ShouldBeEmpty();

    [Theory]
    [InlineData("Distributed.Credit")]
    [InlineData("Distributed.Protocol")]
    [InlineData("Distributed.Actors")]
    [InlineData("Distributed.Simulation")]
    public void Time_and_chance_are_injected(string project) =>
        File.ReadAllText(Path.Combine(Sources.Root, "src", project, project + ".csproj")).ShouldContain("<BansAmbientTime>true</BansAmbientTime>");
}
