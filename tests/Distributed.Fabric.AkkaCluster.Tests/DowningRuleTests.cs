namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>Which side of a partition goes on.</summary>
public sealed class DowningRuleTests
{
    [Theory]
    [InlineData(0, 1, true, Downing.Nothing)] // all answer
    [InlineData(0, 0, false, Downing.Nothing)] // no learner yet, or it has left in order: nobody is cut off
    [InlineData(1, 1, true, Downing.Unreachable)] // the learner loses its only worker
    [InlineData(7, 1, true, Downing.Unreachable)] // or all of many
    [InlineData(7, 1, false, Downing.Nothing)] // a worker beside the learner leaves it to that
    [InlineData(1, 0, false, Downing.Self)] // a worker without a learner
    [InlineData(2, 1, true, Downing.Unreachable)] // a standby without the learner
    [InlineData(2, 2, false, Downing.Nothing)] // the younger of two
    public void The_side_with_a_learner_goes_on(int unreachable, int learnersHere, bool isOldest, object wanted) =>
        DowningRule.Decide(unreachable, learnersHere, isOldest).ShouldBe((Downing)wanted);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(60)]
    public void A_learner_never_ends_itself_for_what_others_do(int workers)
    {
        for (var lost = 0; lost <= workers; lost++) DowningRule.Decide(lost, 1, isOldestLearnerHere: true).ShouldNotBe(Downing.Self);
    }

    [Fact]
    public void A_connection_s_first_frame_names_the_port_of_the_node_that_dials()
    {
        byte[] host = [0x12, 9, .. "127.0.0.1"u8];
        AssociateFrame.PortOf([0, 0, 0, 60, 0x0a, 11, .. "distributed"u8, .. host, 0x18, 0x8f, 0xb2, 0x02, 0x22, 3], "127.0.0.1").ShouldBe(39_183);
        AssociateFrame.PortOf([.. host, 0x18, 0x50], "127.0.0.1").ShouldBe(80);
        AssociateFrame.PortOf([.. host, 0x18, 0x8f], "127.0.0.1").ShouldBeNull();
        AssociateFrame.PortOf("GET / HTTP/1.1"u8, "127.0.0.1").ShouldBeNull();
    }
}
